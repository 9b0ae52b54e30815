#!/bin/bash
# cpu.sh file db clients txs: CPU microseconds per transaction in the server
PM=$(head -1 /tmp/w/pgdata/postmaster.pid); t(){ awk '{print $16+$17}' /proc/$PM/stat; }
a=$(t); runuser -u postgres -- env PGOPTIONS="-c plan_cache_mode=force_generic_plan -c jit=off -c max_parallel_workers_per_gather=0 -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off" /usr/lib/postgresql/15/bin/pgbench -h /tmp/w/pgdata -n -M prepared -c $3 -t $4 -f $1 $2 >/tmp/w/bench/out 2>&1; sleep 0.3; b=$(t); echo "$1 $(( (b-a)*10000/($3*$4) )) us/tx cpu $(grep tps /tmp/w/bench/out)"
