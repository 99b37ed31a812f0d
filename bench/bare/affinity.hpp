// Putting threads of one process on CPUs of their own.
#pragma once

namespace bare {

/// Puts the calling thread on the `number`-th of the CPUs that the process could use when it first
/// asked, round and round. Spinning threads that shared a CPU would measure time slices.
void pin_to_cpu(int number);

}  // namespace bare
