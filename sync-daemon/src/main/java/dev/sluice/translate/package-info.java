/**
 * SQLite's SQL fragments, defaults, views and names as PostgreSQL understands them, or the reason why that can't be
 * done.
 */
package dev.sluice.translate;
