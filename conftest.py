"""One thread for each process of tests: several of them with the threads of all cores wait for each other's."""

import os

from threadpoolctl import threadpool_limits

from eicon._one_thread import ONE_THREAD

os.environ.update(ONE_THREAD)  # read by what is imported from here on, and by processes that tests start
threadpool_limits(1)  # what pytest's plugins have imported already
