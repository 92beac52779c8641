// Puts the thread that carries media before the others of the process, where the system allows it.
#pragma once

namespace zvonok::net {

/// Of the calling thread: a name that tools show (at most 15 characters), a nice value of -10 where the process may ask
/// for one (CAP_SYS_NICE or RLIMIT_NICE), and short time slices, which Linux 6.12 takes for a wish to run soon after
/// waking up. What is refused is left as it is: it works without, only later when the processor is short of time.
void prefer_this_thread(const char* name);

}  // namespace zvonok::net
