/** Brings PostgreSQL's commits back into SQLite, whole transactions exactly once and in order, while PostgreSQL has traffic. */
package dev.sluice.reverse;
