package dev.sluice.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A way to PostgreSQL that is cut around the commit of one transaction: the first that sends {@code mark} after {@link #arm}.
 * While it is cut no connection comes through.
 */
public final class CutProxy implements AutoCloseable {

    /** What becomes of the commit. */
    public enum Cut {
        /** It never arrives, and the server sees its session end. */
        SWALLOWED,
        /** It is done, and the answer is lost. */
        UNANSWERED,
        /** It is under way until {@link #deliver}. */
        LATE
    }

    private final ServerSocket door;
    private final int port;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private volatile boolean cut;
    private volatile Cut armed;
    private volatile byte[] mark;
    private volatile CountDownLatch struck;
    private volatile CountDownLatch answered;
    private volatile Socket held;
    private volatile byte[] late;

    /** @param port of the server on this machine */
    public CutProxy(int port) throws IOException {
        this.port = port;
        this.door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        start("cut-proxy", this::accept);
    }

    public int port() {
        return door.getLocalPort();
    }

    public void arm(Cut kind, String marking) {
        struck = new CountDownLatch(1);
        answered = new CountDownLatch(1);
        mark = marking.getBytes(StandardCharsets.UTF_8);
        armed = kind;
    }

    /** True if the commit came in time and the way is cut. */
    public boolean awaitCut(long seconds) throws InterruptedException {
        return struck.await(seconds, TimeUnit.SECONDS);
    }

    /** Lets new connections through again. */
    public void open() {
        cut = false;
    }

    /** Lets the commit arrive that was held back. */
    public void deliver() throws IOException {
        held.getOutputStream().write(late);
        held.getOutputStream().flush();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = door.accept();
                if (cut) {
                    client.close();
                    continue;
                }
                start("cut-proxy-connection", () -> connect(client));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void connect(Socket client) {
        try {
            Socket server = new Socket(InetAddress.getLoopbackAddress(), port);
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
            sockets.add(client);
            sockets.add(server);
            Way way = new Way(client, server);
            start("cut-proxy-back", way::back);
            way.there();
        } catch (IOException e) {
            close(client);
        }
    }

    private final class Way {

        private final Socket client;
        private final Socket server;
        private volatile boolean deaf;

        Way(Socket client, Socket server) {
            this.client = client;
            this.server = server;
        }

        /** One read is one flush of the driver: its messages are small and it waits for each answer. */
        void there() {
            byte[] buffer = new byte[1 << 16];
            boolean marked = false;
            try {
                OutputStream out = server.getOutputStream();
                for (int n = client.getInputStream().read(buffer); n >= 0; n = client.getInputStream().read(buffer)) {
                    Cut kind = armed;
                    marked |= kind != null && contains(buffer, n, mark);
                    if (marked && kind != null && contains(buffer, n, "COMMIT".getBytes(StandardCharsets.UTF_8))) {
                        armed = null;
                        strike(kind, Arrays.copyOf(buffer, n));
                        return;
                    }
                    out.write(buffer, 0, n);
                }
            } catch (IOException e) {
                // one end is gone
            } finally {
                close(client);
                if (held != server) {
                    close(server);
                }
            }
        }

        private void strike(Cut kind, byte[] commit) throws IOException {
            cut = true;
            deaf = true;
            if (kind == Cut.LATE) {
                held = server;
                late = commit;
            } else if (kind == Cut.UNANSWERED) {
                server.getOutputStream().write(commit);
                try {
                    answered.await(20, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            sockets.stream().filter(socket -> socket != held).forEach(CutProxy::close);
            struck.countDown();
        }

        void back() {
            byte[] buffer = new byte[1 << 16];
            try {
                OutputStream out = client.getOutputStream();
                for (int n = server.getInputStream().read(buffer); n >= 0; n = server.getInputStream().read(buffer)) {
                    if (deaf) {
                        answered.countDown();
                    } else {
                        out.write(buffer, 0, n);
                    }
                }
            } catch (IOException e) {
                // one end is gone
            } finally {
                close(client);
                close(server);
                sockets.remove(client);
                sockets.remove(server);
            }
        }
    }

    private static boolean contains(byte[] buffer, int length, byte[] wanted) {
        return new String(buffer, 0, length, StandardCharsets.ISO_8859_1)
                .contains(new String(wanted, StandardCharsets.ISO_8859_1));
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // closed enough
        }
    }

    private static void start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        door.close();
        sockets.forEach(CutProxy::close);
    }
}
