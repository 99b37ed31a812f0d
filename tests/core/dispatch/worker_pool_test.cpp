// Workers: how many at once, in which order, and what happens when they block.
#include "dispatch/worker_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

namespace trestle::dispatch {
namespace {

/// Counts how many are inside at once.
struct Crowd {
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  void enter() {
    const int now = ++inside;
    int seen = most.load();
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
  }
  void leave() { --inside; }
};

TEST(WorkerPool, RunsNoMoreTasksAtOnceThanItHasWorkers) {
  Crowd crowd;
  std::latch done(200);
  WorkerPool pool(3, 1000);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(pool.submit([&] {
      crowd.enter();
      std::this_thread::yield();
      crowd.leave();
      done.count_down();
    }));
  }

  done.wait();
  pool.stop();  // before what its tasks refer to ends

  EXPECT_LE(crowd.most, 3);
}

TEST(WorkerPool, StartsTasksInTheOrderOfTheirComing) {
  std::vector<int> ran;
  std::latch done(50);
  WorkerPool pool(1, 1000);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(pool.submit([&, i] {
      ran.push_back(i);
      done.count_down();
    }));
  }

  done.wait();
  pool.stop();  // before what its tasks refer to ends

  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
  EXPECT_EQ(ran.size(), 50u);
}

TEST(WorkerPool, RefusesWhatIsBeyondItsQueue) {
  WorkerPool pool(0, 2);

  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_FALSE(pool.submit([] {}));
  EXPECT_TRUE(pool.run_one());
  EXPECT_TRUE(pool.submit([] {}));
}

TEST(WorkerPool, RunsOneTaskAtATimeByHand) {
  int ran = 0;
  WorkerPool pool(0, 10);
  pool.submit([&] { ++ran; });
  pool.submit([&] { ++ran; });

  EXPECT_TRUE(pool.run_one());

  EXPECT_EQ(ran, 1);
  EXPECT_TRUE(pool.run_one());
  EXPECT_FALSE(pool.run_one());
}

TEST(WorkerPool, FinishesWhatIsQueuedBeforeItStops) {
  std::atomic<int> ran{0};
  std::binary_semaphore go{0};
  WorkerPool pool(1, 100);
  pool.submit([&] { go.acquire(); });
  for (int i = 0; i < 20; ++i) pool.submit([&] { ++ran; });
  std::thread stopper([&] { pool.stop(); });
  go.release();

  stopper.join();

  EXPECT_EQ(ran, 20);
}

TEST(WorkerPool, DropsWhatIsQueuedWhenAskedTo) {
  std::atomic<int> ran{0};
  std::binary_semaphore running{0};
  std::binary_semaphore go{0};
  WorkerPool pool(1, 100);
  pool.submit([&] {
    running.release();
    go.acquire();
    ++ran;
  });
  running.acquire();
  for (int i = 0; i < 20; ++i) pool.submit([&] { ++ran; });

  pool.drop_queued();

  EXPECT_FALSE(pool.submit([&] { ++ran; }));
  go.release();
  pool.stop();
  EXPECT_EQ(ran, 1);
}

TEST(WorkerPool, TakesNothingOnceStopped) {
  WorkerPool pool(1, 10);
  pool.stop();
  pool.stop();

  EXPECT_FALSE(pool.submit([] {}));
}

TEST(WorkerPool, PutsAnotherWorkerInThePlaceOfABlockedOne) {
  WorkerPool pool(1, 10);
  std::latch done(1);
  std::binary_semaphore inner{0};
  pool.submit([&] {
    const WorkerPool::BlockingGuard guard(pool);
    inner.acquire();  // needs the next task
    done.count_down();
  });
  pool.submit([&] { inner.release(); });

  done.wait();
  pool.stop();  // before what its tasks refer to ends

  SUCCEED();
}

TEST(WorkerPool, RunsNoMoreAtOnceAfterBlockedWorkersCameBack) {
  Crowd crowd;
  WorkerPool pool(2, 1000);
  std::latch unblocked(4);
  std::latch all_blocked(4);
  for (int i = 0; i < 4; ++i) {
    pool.submit([&] {
      {
        const WorkerPool::BlockingGuard guard(pool);
        all_blocked.arrive_and_wait();
      }
      unblocked.count_down();
    });
  }
  unblocked.wait();
  std::latch done(300);
  for (int i = 0; i < 300; ++i) {
    pool.submit([&] {
      crowd.enter();
      std::this_thread::yield();
      crowd.leave();
      done.count_down();
    });
  }

  done.wait();
  pool.stop();  // before what its tasks refer to ends

  EXPECT_LE(crowd.most, 2);
}

TEST(WorkerPool, SaysWhenTooManyWorkersBlock) {
  // More than a worker and all that may stand in: the last ones are told, not blocked.
  constexpr int tasks = 200;
  WorkerPool pool(1, 1000);
  std::atomic<int> refused{0};
  std::atomic<int> blocking{0};
  std::counting_semaphore<tasks> go{0};
  std::latch done(tasks);
  for (int i = 0; i < tasks; ++i) {
    pool.submit([&] {
      {
        const WorkerPool::BlockingGuard guard(pool);
        if (guard.may_block()) {
          ++blocking;
          go.acquire();
        } else if (++refused == 1) {
          go.release(tasks);
        }
      }
      done.count_down();
    });
  }

  done.wait();
  pool.stop();  // before what its tasks refer to ends

  EXPECT_GE(refused, 1);
  EXPECT_GE(blocking, 64);
}

TEST(WorkerPool, LetsThreadsThatAreNotItsOwnBlock) {
  WorkerPool pool(1, 10);

  EXPECT_TRUE(WorkerPool::BlockingGuard(pool).may_block());
}

TEST(WorkerPool, LetsGoOfATaskThatIsWithdrawn) {
  WorkerPool pool(0, 2);
  WaitingLine::Place first;
  std::vector<int> ran;
  ASSERT_TRUE(pool.submit([&] { ran.push_back(1); }, &first));
  ASSERT_TRUE(pool.submit([&] { ran.push_back(2); }));

  EXPECT_TRUE(pool.withdraw(first));

  EXPECT_FALSE(pool.withdraw(first));
  EXPECT_TRUE(pool.submit([&] { ran.push_back(3); }));
  while (pool.run_one()) {
  }
  EXPECT_EQ(ran, (std::vector{2, 3}));
}

}  // namespace
}  // namespace trestle::dispatch
