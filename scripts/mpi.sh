#!/bin/sh
# mpi.sh RANKS COMMAND...   run COMMAND on RANKS ranks of this machine, with what Open MPI needs when there are
# more ranks than cores, in a container or as root. One BLAS thread a rank.
set -eu
ranks=$1
shift
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
bind=none
if [ "$ranks" -gt "$(nproc)" ]; then export OMPI_MCA_mpi_yield_when_idle=1; fi
exec mpirun --bind-to "$bind" -np "$ranks" "$@"
