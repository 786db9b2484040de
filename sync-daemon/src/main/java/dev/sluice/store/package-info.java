/** The migration's own tables in the target, schema {@code sluice}: the daemon holds no other truth. */
package dev.sluice.store;
