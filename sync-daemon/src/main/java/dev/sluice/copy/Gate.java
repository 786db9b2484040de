package dev.sluice.copy;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Where working threads wait while the migration is paused, and learn that they should end. Thread-safe. */
public final class Gate {

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private boolean paused;
    private boolean stopped;

    public void pause() {
        set(true, stopped);
    }

    public void resume() {
        set(false, stopped);
    }

    /** From now on {@link #pass} says false. */
    public void stop() {
        set(paused, true);
    }

    private void set(boolean pausedNow, boolean stoppedNow) {
        lock.lock();
        try {
            paused = pausedNow;
            stopped = stoppedNow;
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
