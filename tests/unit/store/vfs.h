/* vfs.h - a disk in memory that fails when told and loses what was not synced.
 *
 * Registered with SQLite as "disk".  Every call that touches a file is counted; a write is
 * durable only after the file's next good sync.  disk_power_cut() keeps of the rest a
 * random part, torn at sectors and out of order, as a real disk may (D1, D2, D3).
 */
#pragma once

#include "base/attrs.h"

enum disk_fault { DISK_NO_FAULT, DISK_IOERR, DISK_FULL, DISK_NOMEM, DISK_SYNC };

void disk_register(void);
void disk_wipe(void); /* an empty disk, no faults */
void disk_fail(enum disk_fault fault, uint64_t nth, bool is_persistent);
uint64_t disk_calls(void);       /* since the last disk_fail */
void disk_stop_at(uint64_t nth); /* from this call on nothing reaches the disk */
void disk_power_cut(uint64_t *seed);
