/** A tour: a sample application writes to SQLite in a process of its own while its file is copied, followed and proven. */
package dev.sluice.demo;
