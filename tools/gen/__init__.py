# The generator's parts: tools/generate.py puts them together.
# SPDX-License-Identifier: Apache-2.0
