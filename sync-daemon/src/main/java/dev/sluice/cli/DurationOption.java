package dev.sluice.cli;

import dev.sluice.settings.Durations;
import java.time.Duration;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** An option's duration: {@code 90s}, {@code 10m}; a bare number means seconds. */
final class DurationOption implements ITypeConverter<Duration> {

    @Override
    public Duration convert(String text) {
        Duration duration = Durations.parse(text.matches("[0-9]+") ? text + "s" : text);
        if (duration == null) {
            throw new TypeConversionException("'" + text + "' is no duration: write 90s, 10m or 1h");
        }
        return duration;
    }
}
