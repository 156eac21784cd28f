/* One thread and its queue: see writer.h.
 * Invariant: a job is touched by the thread alone from its submission until it is no longer waiting. */

#include "store/writer.h"

#include <signal.h>

#include "ouro/base/types.h"

static void *work_off(void *context) {
  ouro_writer *writer = context;
  pthread_mutex_lock(&writer->lock);
  for (;;) {
    while (writer->first == NULL && !writer->stop) pthread_cond_wait(&writer->changed, &writer->lock);
    ouro_job *job = writer->first;
    if (job == NULL) break;
    writer->first = job->next;
    pthread_mutex_unlock(&writer->lock);
    job->work(job);
    pthread_mutex_lock(&writer->lock);
    job->waiting = false;
    pthread_cond_broadcast(&writer->changed);
  }
  pthread_mutex_unlock(&writer->lock);
  return NULL;
}

void ouro_writer_start(ouro_writer *writer) {
  int level = MPI_THREAD_SINGLE;
  sigset_t all, before;
  *writer = (ouro_writer){.running = false};
  MPI_Query_thread(&level);
  if (level < MPI_THREAD_FUNNELED) return;
  pthread_mutex_init(&writer->lock, NULL);
  pthread_cond_init(&writer->changed, NULL);
  sigfillset(&all); /* signals are the main thread's */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  writer->running = pthread_create(&writer->thread, NULL, work_off, writer) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void ouro_writer_submit(ouro_writer *writer, ouro_job *job) {
  if (!writer->running) {
    job->work(job);
    return;
  }
  pthread_mutex_lock(&writer->lock);
  job->next = NULL;
  job->waiting = true;
  if (writer->first)
    writer->last->next = job;
  else
    writer->first = job;
  writer->last = job;
  pthread_cond_broadcast(&writer->changed);
  pthread_mutex_unlock(&writer->lock);
}

void ouro_writer_wait(ouro_writer *writer, ouro_job *job) {
  if (!writer->running) return;
  pthread_mutex_lock(&writer->lock);
  while (job->waiting) pthread_cond_wait(&writer->changed, &writer->lock);
  pthread_mutex_unlock(&writer->lock);
}

void ouro_writer_stop(ouro_writer *writer) {
  if (!writer->running) return;
  pthread_mutex_lock(&writer->lock);
  writer->stop = true;
  pthread_cond_broadcast(&writer->changed);
  pthread_mutex_unlock(&writer->lock);
  pthread_join(writer->thread, NULL);
  pthread_cond_destroy(&writer->changed);
  pthread_mutex_destroy(&writer->lock);
  writer->running = false;
}
