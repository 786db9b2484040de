/** What the tests of this module share: files to play with and the folder of real databases. */
package dev.sluice.testing;
