/** For Java applications: a data source that follows the traffic, and needs nothing but the JDK. */
package dev.sluice.datasource;
