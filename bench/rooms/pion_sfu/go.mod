module zvonok/bench/rooms/pion_sfu

go 1.19
