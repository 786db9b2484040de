/** Tails the changelog into the target: reads a batch in one snapshot, applies it in one transaction, and waits. */
package dev.sluice.follow;
