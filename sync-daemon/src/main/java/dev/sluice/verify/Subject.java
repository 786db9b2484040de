package dev.sluice.verify;

import dev.sluice.plan.TablePlan;
import dev.sluice.schema.SourceTable;

/** Which table, and how it is declared in the source. */
public record Subject(TablePlan plan, SourceTable source) {}
