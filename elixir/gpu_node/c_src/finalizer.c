// The finalizer of tensor handles: a resource that sends {gpu_node_free, Id} to a process when the last term that refers
// to it is collected, unless it was released before. Holds no GPU code and no pointer into anything; the destructor may
// run on any scheduler.
#include <erl_nif.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct {
  ErlNifPid receiver;
  ErlNifUInt64 id;
  atomic_bool released;
} Handle;

static ErlNifResourceType* handle_type;
static ERL_NIF_TERM free_atom, true_atom, false_atom;

static void handle_destructor(ErlNifEnv* env, void* object) {
  Handle* handle = object;
  if (atomic_exchange(&handle->released, true)) return;
  ErlNifEnv* message_env = enif_alloc_env();
  if (message_env == NULL) return;
  ERL_NIF_TERM message = enif_make_tuple2(message_env, free_atom, enif_make_uint64(message_env, handle->id));
  // Fails only when the receiver is dead; the node has then freed everything that was its.
  enif_send(env, &handle->receiver, message_env, message);
  enif_free_env(message_env);
}

// make_handle(Pid, Id) -> Handle
static ERL_NIF_TERM make_handle(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  ErlNifPid receiver;
  ErlNifUInt64 id;
  if (argc != 2 || !enif_get_local_pid(env, argv[0], &receiver) || !enif_get_uint64(env, argv[1], &id)) {
    return enif_make_badarg(env);
  }
  Handle* handle = enif_alloc_resource(handle_type, sizeof(Handle));
  if (handle == NULL) return enif_raise_exception(env, enif_make_atom(env, "system_limit"));
  handle->receiver = receiver;
  handle->id = id;
  atomic_init(&handle->released, false);
  ERL_NIF_TERM term = enif_make_resource(env, handle);
  enif_release_resource(handle);
  return term;
}

// release_handle(Handle) -> true the first time: nothing will be sent for it; false afterwards.
static ERL_NIF_TERM release_handle(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
  void* object;
  if (argc != 1 || !enif_get_resource(env, argv[0], handle_type, &object)) return enif_make_badarg(env);
  return atomic_exchange(&((Handle*)object)->released, true) ? false_atom : true_atom;
}

static int open_type(ErlNifEnv* env, ErlNifResourceFlags flags) {
  handle_type = enif_open_resource_type(env, NULL, "gpu_node_handle", handle_destructor, flags, NULL);
  free_atom = enif_make_atom(env, "gpu_node_free");
  true_atom = enif_make_atom(env, "true");
  false_atom = enif_make_atom(env, "false");
  return handle_type == NULL ? 1 : 0;
}

static int on_load(ErlNifEnv* env, void** private_data, ERL_NIF_TERM info) {
  (void)private_data;
  (void)info;
  return open_type(env, ERL_NIF_RT_CREATE);
}

static int on_upgrade(ErlNifEnv* env, void** private_data, void** old_private_data, ERL_NIF_TERM info) {
  (void)private_data;
  (void)old_private_data;
  (void)info;
  return open_type(env, ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER);
}

static ErlNifFunc functions[] = {{"make_handle", 2, make_handle, 0}, {"release_handle", 1, release_handle, 0}};

ERL_NIF_INIT(Elixir.GpuNode.Finalizer, functions, on_load, NULL, on_upgrade, NULL)
