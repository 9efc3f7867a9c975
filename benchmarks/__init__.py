"""How fast Chancery is, against what others would write and against what the machine can do; `make bench` runs it.

generate    coded events in any number, made from a real set
peers/      what is measured against, on the same rows
servers     each contender as a process of its own, and the CPU time it takes
load        requests a second from wrk, or from a small client where there is none
kept        bases of many events, kept between runs
scenarios   what is asked of whom, and which ratio must be reached
runs        contenders one after another, several times; ratios with their spread
limits      what no rival sets: an import beside, two workers, ten times the size, memory, start
report      the table, the JSON and the plot
"""
