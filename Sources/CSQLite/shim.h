#pragma once
#include <sqlite3.h>

// Variadic functions have no Swift form.

/// Whether closing the last connection leaves the write-ahead log as it is, to be gone on with by the next.
static inline void mailarc_sqlite3_keep_log(sqlite3 *connection, int keeps) {
    sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps, (int *)0);
}
