// Visits a variant with one lambda per alternative; a missing alternative does not compile.
#pragma once

namespace zvonok {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

}  // namespace zvonok
