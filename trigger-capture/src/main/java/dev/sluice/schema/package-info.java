/**
 * What a SQLite file declares: tables, keys, indexes, constraints, views and triggers, read without changing
 * anything.
 */
package dev.sluice.schema;
