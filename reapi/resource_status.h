/* Whether a resource can be given away. Names and numbers are those of Fluxion's REAPI.
 * Installed as hactor/reapi/resource_status.h.
 * SPDX-License-Identifier: LGPL-3.0-or-later
 */
#ifndef HACTOR_REAPI_RESOURCE_STATUS_H
#define HACTOR_REAPI_RESOURCE_STATUS_H

typedef enum resource_status_t { RESOURCE_UP = 0, RESOURCE_DOWN = 1 } resource_status_t;

#endif
