import os
import signal
import threading

import pytest

from eicon.training._signals import DeferredSignals

pytestmark = pytest.mark.usefixtures("interrupts_raise")


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_waits_for_delivery_and_acts_once():
    with DeferredSignals() as signals:
        interrupt()
        with pytest.raises(KeyboardInterrupt):
            signals.deliver()
        signals.deliver()


def test_the_second_acts_at_once():
    with DeferredSignals():
        interrupt()
        with pytest.raises(KeyboardInterrupt):
            interrupt()


def test_what_was_not_delivered_acts_at_the_end():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), DeferredSignals():
        interrupt()
    assert signal.getsignal(signal.SIGINT) == before


def test_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError), DeferredSignals():
        raise RuntimeError
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_sigterm_is_left_alone_unless_python_handles_it():
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with DeferredSignals():
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_are_left_alone():
    failures = []

    def work():
        try:
            with DeferredSignals() as signals:
                signals.deliver()
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
