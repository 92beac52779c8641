package main

// What the kernel knows of a server's processes: their CPU time, their memory, the packets that their sockets dropped.

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const ticksPerSecond = 100 // sysconf(_SC_CLK_TCK) of all Linux

// processes are those of a server: the one that was started and what it started itself, as mediasoup's Node.js does its
// worker. Of all that is measured they count together.
type processes []process

type process struct {
	pid  int
	name string
}

// statFields are those of /proc/<pid>/stat behind the name, and the name.
func statFields(pid int) (string, []string, error) {
	bytes, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", nil, err
	}
	text := string(bytes)
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return "", nil, fmt.Errorf("/proc/%d/stat is not understood", pid)
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 13 {
		return "", nil, fmt.Errorf("/proc/%d/stat is not understood", pid)
	}
	return text[open+1 : end], fields, nil
}

// programOf is its file's name; that in /proc/<pid>/stat is cut off after 15 letters.
func programOf(pid int, name string) string {
	if path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		return filepath.Base(path)
	}
	return name
}

// findProcesses is the process with its descendants. Pid 0: none.
func findProcesses(pid int) (processes, error) {
	if pid == 0 {
		return nil, nil
	}
	name, _, err := statFields(pid)
	if err != nil {
		return nil, err
	}
	found := processes{{pid, programOf(pid, name)}}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	parents := map[int][]process{}
	for _, folder := range folders {
		child, _ := strconv.Atoi(filepath.Base(folder))
		if name, fields, err := statFields(child); err == nil {
			parent, _ := strconv.Atoi(fields[1])
			parents[parent] = append(parents[parent], process{child, programOf(child, name)})
		}
	}
	for i := 0; i < len(found); i++ {
		found = append(found, parents[found[i].pid]...)
	}
	return found, nil
}

// cpu is what each of them has used, in seconds, and the sum.
func (p processes) cpu() (each []float64, sum float64, err error) {
	for _, one := range p {
		seconds, err := cpuSeconds(one.pid)
		if err != nil {
			return nil, 0, fmt.Errorf("the server is gone: %w", err)
		}
		each = append(each, seconds)
		sum += seconds
	}
	return each, sum, nil
}

func (p processes) sum(of func(pid int) float64) float64 {
	sum := 0.0
	for _, one := range p {
		sum += of(one.pid)
	}
	return sum
}

func (p processes) socketDrops() uint64 {
	var sum uint64
	for _, one := range p {
		sum += socketDrops(one.pid)
	}
	return sum
}

// memory is their PSS.
func (p processes) memory() int64 {
	var sum int64
	for _, one := range p {
		sum += proportionalBytes(one.pid)
	}
	return sum
}

// cpuSeconds is user and system time of all its threads.
func cpuSeconds(pid int) (float64, error) {
	_, fields, err := statFields(pid)
	if err != nil {
		return 0, err
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

// proportionalBytes is the PSS: what is shared with other processes counts by its share.
func proportionalBytes(pid int) int64 {
	bytes, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for _, line := range strings.Split(string(bytes), "\n") {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "Pss:" {
			kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
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
