// What those who watch a user hear when that user comes or goes, whatever dialect either speaks.
#pragma once
#include "call/pair_effect.h"
#include "call/presence.h"

namespace zvonok::call {

/// Appends a DeliverPresence for each watcher; nothing when nothing has changed.
template <class Effects>
void tell_watchers(const Presence& presence, const UserId& user, PresenceChange change, Effects& effects) {
  if (change == PresenceChange::None) return;
  for (const ConnectionId watcher : presence.watchers_of(user)) {
    effects.emplace_back(
        DeliverPresence{.to = watcher, .users = {{.user = user, .online = change == PresenceChange::CameOnline}}});
  }
}

}  // namespace zvonok::call
