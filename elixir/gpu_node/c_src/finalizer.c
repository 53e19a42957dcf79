// The finalizer of tensor handles: resources whose ids come into their session's queue when the last term that refers
// to them is collected, unless they were released before. Holds no GPU code.
//
// A queue is a lock-free stack of ids. The push that finds it empty sends gpu_node_collected to the session, which then
// takes the whole stack: a collection that drops thousands of handles costs one message. Destructors run on any
// scheduler.
#include <erl_nif.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Entry {
  struct Entry* next;
  ErlNifUInt64 id;
} Entry;

typedef struct {
  ErlNifPid receiver;
  _Atomic(Entry*) head;
} Queue;

// |entry| is allocated with the handle, so that the destructor cannot fail; NULL once the handle was released.
typedef struct {
  Queue* queue;
  _Atomic(Entry*) entry;
} Handle;

static ErlNifResourceType* queue_type;
static ErlNifResourceType* handle_type;
static ERL_NIF_TERM collected_atom, true_atom, false_atom;

static void queue_destructor(ErlNifEnv* env, void* object) {
  (void)env;
  Entry* entry = atomic_exchange(&((Queue*)object)->head, NULL);
  while (entry != NULL) {
    Entry* next = entry->next;
    enif_free(entry);
    entry = next;
  }
}

static void handle_destructor(ErlNifEnv* env, void* object) {
  Handle* handle = object;
  Queue* queue = handle->queue;
  Entry* entry = atomic_exchange(&handle->entry, NULL);
  if (entry != NULL) {
    Entry* head = atomic_load(&queue->head);
    do {
      entry->next = head;
    } while (!atomic_compare_exchange_weak(&queue->head, &head, entry));
    if (head == NULL) {
      ErlNifEnv* message_env = enif_alloc_env();
      // Fails only when the session is dead; the node has then freed everything that was its.
      enif_send(env, &queue->receiver, message_env, collected_atom);
      enif_free_env(message_env);
    }
  }
  enif_release_resource(queue);
}

// make_queue(Pid) -> Queue
static ERL_NIF_TERM make_queue(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  ErlNifPid receiver;
  if (argc != 1 || !enif_get_local_pid(env, argv[0], &receiver)) return enif_make_badarg(env);
  Queue* queue = enif_alloc_resource(queue_type, sizeof(Queue));
  queue->receiver = receiver;
  atomic_init(&queue->head, NULL);
  ERL_NIF_TERM term = enif_make_resource(env, queue);
  enif_release_resource(queue);
  return term;
}

// take(Queue) -> [Id], newest first
static ERL_NIF_TERM take(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  void* object;
  if (argc != 1 || !enif_get_resource(env, argv[0], queue_type, &object)) return enif_make_badarg(env);
  Entry* entry = atomic_exchange(&((Queue*)object)->head, NULL);
  ERL_NIF_TERM ids = enif_make_list(env, 0);
  while (entry != NULL) {
    Entry* next = entry->next;
    ids = enif_make_list_cell(env, enif_make_uint64(env, entry->id), ids);
    enif_free(entry);
    entry = next;
  }
  return ids;
}

// make_handle(Queue, Id) -> Handle
static ERL_NIF_TERM make_handle(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  void* object;
  ErlNifUInt64 id;
  if (argc != 2 || !enif_get_resource(env, argv[0], queue_type, &object) || !enif_get_uint64(env, argv[1], &id)) {
    return enif_make_badarg(env);
  }
  Entry* entry = enif_alloc(sizeof(Entry));
  if (entry == NULL) return enif_raise_exception(env, enif_make_atom(env, "system_limit"));
  entry->id = id;
  enif_keep_resource(object);
  Handle* handle = enif_alloc_resource(handle_type, sizeof(Handle));
  handle->queue = object;
  atomic_init(&handle->entry, entry);
  ERL_NIF_TERM term = enif_make_resource(env, handle);
  enif_release_resource(handle);
  return term;
}

// is_handle(Term) -> boolean
static ERL_NIF_TERM is_handle(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  void* object;
  return argc == 1 && enif_get_resource(env, argv[0], handle_type, &object) ? true_atom : false_atom;
}

// release_handle(Handle) -> true the first time: its id will not come into the queue; false afterwards.
static ERL_NIF_TERM release_handle(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  void* object;
  if (argc != 1 || !enif_get_resource(env, argv[0], handle_type, &object)) return enif_make_badarg(env);
  Entry* entry = atomic_exchange(&((Handle*)object)->entry, NULL);
  if (entry == NULL) return false_atom;
  enif_free(entry);
  return true_atom;
}

static int open_types(ErlNifEnv* env, ErlNifResourceFlags flags) {
  queue_type = enif_open_resource_type(env, NULL, "gpu_node_queue", queue_destructor, flags, NULL);
  handle_type = enif_open_resource_type(env, NULL, "gpu_node_handle", handle_destructor, flags, NULL);
  collected_atom = enif_make_atom(env, "gpu_node_collected");
  true_atom = enif_make_atom(env, "true");
  false_atom = enif_make_atom(env, "false");
  return queue_type == NULL || handle_type == NULL ? 1 : 0;
}

static int on_load(ErlNifEnv* env, void** private_data, ERL_NIF_TERM info) {
  (void)private_data;
  (void)info;
  return open_types(env, ERL_NIF_RT_CREATE);
}

static int on_upgrade(ErlNifEnv* env, void** private_data, void** old_private_data, ERL_NIF_TERM info) {
  (void)private_data;
  (void)old_private_data;
  (void)info;
  return open_types(env, ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER);
}

static ErlNifFunc functions[] = {{"make_queue", 1, make_queue, 0},
                                 {"take", 1, take, 0},
                                 {"make_handle", 2, make_handle, 0},
                                 {"handle?", 1, is_handle, 0},
                                 {"release_handle", 1, release_handle, 0}};

ERL_NIF_INIT(Elixir.GpuNode.Finalizer, functions, on_load, NULL, on_upgrade, NULL)
