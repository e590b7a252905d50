// A shared library that defines nothing of hactor/policy.h: what happens when it is named.
// SPDX-License-Identifier: LGPL-3.0-or-later
extern "C" int hactor_no_policy() { return 0; }
