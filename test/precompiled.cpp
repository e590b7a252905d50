// Nothing but the precompiled header of all tests: CMake makes it for a source that uses it.
// SPDX-License-Identifier: LGPL-3.0-or-later
