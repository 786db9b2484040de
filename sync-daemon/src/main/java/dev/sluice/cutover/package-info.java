/** Moves the right to take writes from one side to the other and back, so that it is never with both. */
package dev.sluice.cutover;
