package dev.sluice.copy;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Where working threads wait while the migration is paused, and learn that they should end. Thread-safe. */
public final class Valve {

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private boolean paused;
    private boolean asked;
    private boolean stopped;

    public void pause() {
        set(() -> {
            paused = true;
            asked = true;
        });
    }

    public void resume() {
        set(() -> {
            paused = false;
            asked = true;
        });
    }

    /** Pauses as an earlier process was told to, unless this one was told otherwise meanwhile. */
    public void pauseUnlessAsked() {
        set(() -> paused |= !asked);
    }

    /** From now on {@link #pass} says false. */
    public void stop() {
        set(() -> stopped = true);
    }

    private void set(Runnable change) {
        lock.lock();
        try {
            change.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits while paused; false if the work should end. */
    public boolean pass() throws InterruptedException {
        lock.lock();
        try {
            while (paused && !stopped) {
                changed.await();
            }
            return !stopped;
        } finally {
            lock.unlock();
        }
    }

    public boolean isPaused() {
        lock.lock();
        try {
            return paused;
        } finally {
            lock.unlock();
        }
    }

    public boolean isStopped() {
        lock.lock();
        try {
            return stopped;
        } finally {
            lock.unlock();
        }
    }
}
