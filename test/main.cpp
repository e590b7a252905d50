// The doctest main of every test program.
// SPDX-License-Identifier: LGPL-3.0-or-later
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
