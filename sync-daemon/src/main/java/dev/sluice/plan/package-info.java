/** From the source's schema and census to the whole plan: target tables, DDL in order, and what can't be carried. */
package dev.sluice.plan;
