# A script that ends by a signal ends the instance with 128 + the signal's number.
# SPDX-License-Identifier: LGPL-3.0-or-later
. "${0%/*}/lib.sh"

fails_with 143 start -- sh -c 'kill -TERM $$'
fails_with 137 start -- sh -c 'kill -KILL $$'
