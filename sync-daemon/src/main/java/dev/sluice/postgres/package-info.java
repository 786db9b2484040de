/**
 * Reaches the target: its address, its connections, what its errors mean, waiting while it is away, and an embedded
 * one.
 */
package dev.sluice.postgres;
