/** Measures the migration on the user's machine beside what that machine can do at best; no part of a migration. */
package dev.sluice.bench;
