/** Tells the application which side takes its writes: a flag file, a feed that can be waited on, and hook commands. */
package dev.sluice.announce;
