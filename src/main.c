/* main.c: the options, and what they start. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config.h"
#include "server/daemon.h"
#include "server/export_file.h"
#include "server/import_file.h"
#include "server/once.h"
#include "server/supervisor.h"
#include "server/token.h"
#include "store/prune.h"
#include "store/schema.h"

#define DEFAULT_FILE SYSCONFDIR "/muster/muster.conf"

enum { MAX_FILES = 8 };

enum action {
    SUPERVISE,
    CHECK_CONFIG,
    INIT_DB,
    CHECK_DB,
    DROP_EXTENSIONS,
    PRUNE_HISTORY,
    EXPORT,
    IMPORT,
    ONCE,
    TOKEN
};

static struct {
    enum action action;
    bool foreground;
    const char *files[MAX_FILES];
    size_t file_count;
    struct token_command token;
    struct prune_command prune;
    struct export_file_command export;
    struct import_file_command import;
} options = {.action = SUPERVISE};

static const char usage[] =
    "usage: muster [-c FILE]... [-f]           serve FastCGI requests\n"
    "       muster [-c FILE]... -t             check the configuration\n"
    "       muster [-c FILE]... --init-db      create or complete the database's schema\n"
    "       muster [-c FILE]... --check-db     report what is wrong in the database\n"
    "       muster [-c FILE]... --drop-extensions\n"
    "                                          remove from the database all that muster added\n"
    "       muster [-c FILE]... --prune-history DAYS|vVERSION\n"
    "                                          delete history that is older\n"
    "       muster [-c FILE]... --export FILE|- [--driver DRIVER]... [--query QUERY]\n"
    "                                          write all objects, or some, an object a line\n"
    "       muster [-c FILE]... --import FILE|- [--mode MODE] [--dry-run]\n"
    "                                          create and change many objects\n"
    "       muster [-c FILE]... --once         serve one request, as a CGI program\n"
    "       muster [-c FILE]... token ...      make, list and revoke tokens (token --help)\n"
    "       muster -V | --help\n"
    "\n"
    "  -c, --config FILE   read this file instead of " DEFAULT_FILE ";\n"
    "                      given several times, what a later file sets wins\n"
    "  -f, --foreground    stay in the foreground\n"
    "  -t, --test          check the configuration and exit\n"
    "  -V, --version       print the version and exit\n";

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"foreground", no_argument, NULL, 'f'},
    {"test", no_argument, NULL, 't'},
    {"init-db", no_argument, NULL, 'I'},
    {"check-db", no_argument, NULL, 'C'},
    {"drop-extensions", no_argument, NULL, 'D'},
    {"once", no_argument, NULL, 'O'},
    {"prune-history", required_argument, NULL, 'P'},
    {"export", required_argument, NULL, 'E'},
    {"import", required_argument, NULL, 'i'},
    {"mode", required_argument, NULL, 'm'},
    {"dry-run", no_argument, NULL, 'n'},
    {"driver", required_argument, NULL, 'd'},
    {"query", required_argument, NULL, 'q'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void wrong_usage(const char *what) {
    fprintf(stderr, "muster: %s\nSee muster --help for options.\n", what);
    exit(2);
}

static void choose(enum action action) {
    if (options.action != SUPERVISE && options.action != action)
        wrong_usage("only one of -t, --init-db, --check-db, --drop-extensions, --prune-history, "
                    "--export, --import, --once, token");
    options.action = action;
}

/* Absolute, as a daemon leaves the directory it was started in and may read the file again. */
static const char *absolute(const char *path) {
    char *directory, *all;

    if (path[0] == '/')
        return path;
    directory = getcwd(NULL, 0);
    if (directory == NULL || asprintf(&all, "%s/%s", directory, path) < 0) {
        perror("muster");
        exit(1);
    }
    free(directory);
    return all; /* as long as the process lives */
}

static void add_file(const char *path) {
    if (options.file_count == MAX_FILES)
        wrong_usage("too many -c");
    options.files[options.file_count++] = absolute(path);
}

static void print_and_exit(const char *text) {
    fputs(text, stdout);
    exit(fflush(stdout) == 0 ? 0 : 1);
}

static void choose_prune(const char *text) {
    choose(PRUNE_HISTORY);
    if (!prune_parse(text, &options.prune))
        wrong_usage("--prune-history takes a number of days, or v and a version: 90, v803");
}

static void choose_import(const char *path) {
    choose(IMPORT);
    options.import.path = path;
}

static void choose_mode(const char *text) {
    options.import.has_mode = true;
    if (!bulk_mode_parse(text, &options.import.mode))
        wrong_usage("--mode is create, update or replace");
}

static void choose_export(const char *path) {
    choose(EXPORT);
    options.export.path = path;
}

static void add_driver(const char *name) {
    struct export_file_command *command = &options.export;

    if (command->driver_count == EXPORT_FILE_DRIVERS)
        wrong_usage("too many --driver");
    command->drivers[command->driver_count++] = name;
}

static void check_selection(void) {
    if (options.action != EXPORT && (options.export.driver_count > 0 || options.export.query))
        wrong_usage("--driver and --query select what --export writes");
    if (options.action != IMPORT && (options.import.has_mode || options.import.dry_run))
        wrong_usage("--mode and --dry-run say what --import does");
}

/* The arguments after the options: only "token" and its own. */
static void read_words(int argc, char **argv) {
    int status;

    if (strcmp(argv[0], "token") != 0)
        wrong_usage("unexpected argument");
    choose(TOKEN);
    status = token_parse(argc, argv, &options.token);
    if (status >= 0)
        exit(status);
}

static void read_options(int argc, char **argv) {
    int option;

    while ((option = getopt_long(argc, argv, "+c:ftV", long_options, NULL)) != -1) {
        switch (option) {
        case 'c': add_file(optarg); break;
        case 'f': options.foreground = true; break;
        case 't': choose(CHECK_CONFIG); break;
        case 'I': choose(INIT_DB); break;
        case 'C': choose(CHECK_DB); break;
        case 'D': choose(DROP_EXTENSIONS); break;
        case 'O': choose(ONCE); break;
        case 'P': choose_prune(optarg); break;
        case 'E': choose_export(optarg); break;
        case 'i': choose_import(optarg); break;
        case 'm': choose_mode(optarg); break;
        case 'n': options.import.dry_run = true; break;
        case 'd': add_driver(optarg); break;
        case 'q': options.export.query = optarg; break;
        case 'V': print_and_exit(PACKAGE_STRING "\n"); break;
        case 'h': print_and_exit(usage); break;
        default: fputs("See muster --help for options.\n", stderr); exit(2);
        }
    }
    if (optind < argc)
        read_words(argc - optind, argv + optind);
    check_selection();
    if (options.file_count == 0)
        add_file(DEFAULT_FILE);
}

/* As the workers: in the database there is rarely a role for root. */
static bool leave_root(const struct settings *settings) {
    struct account account;

    return geteuid() != 0 || (daemon_find_account(settings, &account) && daemon_become(&account));
}

static void to_stderr(const char *line) {
    fprintf(stderr, "muster: %s\n", line);
}

static int prune_history(const struct settings *settings) {
    return store_prune_history(&settings->store, &options.prune) == RC_OK ? 0 : 1;
}

static int check_db(const struct settings *settings) {
    int64_t count = 0;

    return store_check_db(&settings->store, &count) == RC_OK && count == 0 ? 0 : 1;
}

/* The supervisor takes the settings over. */
static int start(struct settings **settings) {
    switch (options.action) {
    case CHECK_CONFIG: puts("the configuration is fine"); return 0;
    case ONCE: return daemon_open_log(*settings) ? once_serve(*settings) : 1;
    case INIT_DB: return store_init_db(&(*settings)->store) == RC_OK ? 0 : 1;
    case CHECK_DB: return check_db(*settings);
    case DROP_EXTENSIONS: return store_drop_extensions(&(*settings)->store) == RC_OK ? 0 : 1;
    case PRUNE_HISTORY: return prune_history(*settings);
    case EXPORT: return export_file_run(&options.export, *settings);
    case IMPORT: return import_file_run(&options.import, *settings);
    case TOKEN: return leave_root(*settings) ? token_run(&options.token, *settings) : 1;
    case SUPERVISE: break;
    }
    return supervisor_run(settings, options.files, options.file_count, options.foreground);
}

int main(int argc, char **argv) {
    struct settings *settings;
    int status;

    read_options(argc, argv);
    settings = config_load(options.files, options.file_count, to_stderr);
    if (settings == NULL)
        return 1;
    status = start(&settings);
    config_free(&settings);
    return status;
}
