module zvonok/bench/rooms/load

go 1.19
