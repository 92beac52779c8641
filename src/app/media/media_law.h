// G.711's laws, as lines and as media have them.
#pragma once
#include "port/phone_audio.h"
#include "proto/g711/g711.h"

namespace zvonok::app {

[[nodiscard]] constexpr g711::Law to_media(port::G711 law) {
  return law == port::G711::Ulaw ? g711::Law::Ulaw : g711::Law::Alaw;
}
[[nodiscard]] constexpr port::G711 to_port(g711::Law law) {
  return law == g711::Law::Ulaw ? port::G711::Ulaw : port::G711::Alaw;
}

}  // namespace zvonok::app
