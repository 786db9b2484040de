/** Opens SQLite files and reads their values exactly; the only place that knows the SQLite driver. */
package dev.sluice.sqlite;
