package dev.sluice.console;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One JSON object a line. A message of the form {@code event=blocked migration=app reason="…"} gives a field for each of
 * its words beside {@code message}, so that a machine need not take it apart; a word in quotes is its last.
 */
final class JsonLines extends EncoderBase<ILoggingEvent> {

    private static final Pattern WORD = Pattern.compile("(\\w+)=(?:\"(.*)\"|([^\\s\"]*[^\\s\":])):?(?:\\s+|$)", Pattern.DOTALL);
    private static final Pattern NUMBER = Pattern.compile("-?\\d{1,18}");

    @Override
    public byte[] encode(ILoggingEvent event) {
        ObjectNode line = JsonNodeFactory.instance.objectNode();
        line.put("at", event.getInstant().toString());
        line.put("level", event.getLevel().toString());
        line.put("thread", event.getThreadName());
        line.put("logger", event.getLoggerName());
        String message = event.getFormattedMessage();
        line.put("message", message);
        if (message.startsWith("event=")) {
            words(message, line);
        }
        if (event.getThrowableProxy() != null) {
            line.put("error", event.getThrowableProxy().getClassName() + ": " + event.getThrowableProxy().getMessage());
            line.put("trace", ThrowableProxyUtil.asString(event.getThrowableProxy()));
        }
        return (line + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private static void words(String message, ObjectNode line) {
        Matcher word = WORD.matcher(message);
        int at = 0;
        while (word.find(at) && word.start() == at) {
            String value = word.group(2) != null ? word.group(2) : word.group(3);
            String name = line.has(word.group(1)) ? word.group(1) + "_" : word.group(1);
            if (word.group(2) == null && NUMBER.matcher(value).matches()) {
                line.put(name, Long.parseLong(value));
            } else {
                line.put(name, value);
            }
            at = word.end();
        }
    }

    @Override
    public byte[] headerBytes() {
        return new byte[0];
    }

    @Override
    public byte[] footerBytes() {
        return new byte[0];
    }
}
