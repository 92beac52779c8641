package main

// What the kernel knows of a process: its CPU time, its memory, the packets that its sockets dropped.

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const ticksPerSecond = 100 // sysconf(_SC_CLK_TCK) of all Linux

// cpuSeconds is user and system time of all its threads.
func cpuSeconds(pid int) (float64, error) {
	bytes, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	text := string(bytes)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is not understood", pid)
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / ticksPerSecond, nil
}

// waitedSeconds is how long its threads were ready to run and had no core: what others on the machine took from it.
func waitedSeconds(pid int) float64 {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	sum := 0.0
	for _, thread := range threads {
		bytes, _ := os.ReadFile(thread)
		if fields := strings.Fields(string(bytes)); len(fields) == 3 {
			nanos, _ := strconv.ParseFloat(fields[1], 64)
			sum += nanos / 1e9
		}
	}
	return sum
}

// busySeconds is how long a core did anything, for whomever.
func busySeconds(core int) float64 {
	bytes, _ := os.ReadFile("/proc/stat")
	for _, line := range strings.Split(string(bytes), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 9 || fields[0] != fmt.Sprintf("cpu%d", core) {
			continue
		}
		sum := 0.0
		for i, field := range fields[1:9] {
			if value, _ := strconv.ParseFloat(field, 64); i != 3 && i != 4 { // idle, and idle with a disk at work
				sum += value
			}
		}
		return sum / ticksPerSecond
	}
	return 0
}

func residentBytes(pid int) int64 {
	bytes, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := strings.Fields(string(bytes))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// socketInodes of a process.
func socketInodes(pid int) map[string]bool {
	found := map[string]bool{}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, link := range links {
		target, _ := os.Readlink(link)
		if strings.HasPrefix(target, "socket:[") {
			found[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
		}
	}
	return found
}

// socketDrops is how many packets the UDP sockets of a process had no room for.
func socketDrops(pid int) uint64 {
	inodes := socketInodes(pid)
	var sum uint64
	for _, table := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		file, err := os.Open(table)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) < 13 || !inodes[fields[9]] {
				continue
			}
			drops, _ := strconv.ParseUint(fields[12], 10, 64)
			sum += drops
		}
		file.Close()
	}
	return sum
}
