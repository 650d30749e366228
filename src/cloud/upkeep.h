// c10m backup, restore and fsck: the commands that look after a data directory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

// argv[0] is the command's name. Returns the exit status: 0; 1 when it failed, or fsck found
// something that it did not mend; 2 for a wrong command line.
int upkeep(int argc, char **argv);
