// OpenSSL's memory in a simulation.
// SPDX-License-Identifier: Apache-2.0
#pragma once

// Before OpenSSL is used. What a killed process had in use of it is not freed.
void crypto_move_outside(void);
