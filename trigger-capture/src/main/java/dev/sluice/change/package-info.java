/** The vocabulary that capture and apply share: typed values, keys, rows and the batch that carries them. */
package dev.sluice.change;
