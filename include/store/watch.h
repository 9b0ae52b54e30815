/* watch.h: looks at the database's servers while an answer is waited for. */
#ifndef MUSTER_STORE_WATCH_H
#define MUSTER_STORE_WATCH_H

/* From time to time: is another server the primary now, or this one silent altogether? Then the
 * cluster's number is raised. The context is a struct connection: for struct link_watch. */
void watch_look(void *context);

#endif
