//! The tables of a Grype DB, schema 6.1, with the statements that its own program makes them by.
//!
//! There are no other indices than those of primary keys: an archive that is handed out has none either, and `grype db import`
//! makes them.

/// Model, revision and addition of the schema that is written. Later additions are read as absent.
pub const VERSION: (i64, i64, i64) = (6, 1, 7);

pub(super) const BLOBS: [&str; 2] =
    ["blobs", "CREATE TABLE `blobs` (`id` integer PRIMARY KEY AUTOINCREMENT,`value` text NOT NULL)"];
pub(super) const VULNERABILITIES: [&str; 2] = [
    "vulnerability_handles",
    "CREATE TABLE `vulnerability_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`name` text NOT NULL,`status` text NOT NULL,`published_date` datetime,`modified_date` datetime,`withdrawn_date` datetime,`provider_id` text NOT NULL,`blob_id` integer,CONSTRAINT `fk_vulnerability_handles_provider` FOREIGN KEY (`provider_id`) REFERENCES `providers`(`id`))",
];
pub(super) const AFFECTED: [&str; 2] = [
    "affected_package_handles",
    "CREATE TABLE `affected_package_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,`operating_system_id` integer,`package_id` integer,`blob_id` integer,CONSTRAINT `fk_affected_package_handles_vulnerability` FOREIGN KEY (`vulnerability_id`) REFERENCES `vulnerability_handles`(`id`),CONSTRAINT `fk_affected_package_handles_operating_system` FOREIGN KEY (`operating_system_id`) REFERENCES `operating_systems`(`id`),CONSTRAINT `fk_affected_package_handles_package` FOREIGN KEY (`package_id`) REFERENCES `packages`(`id`))",
];
pub(super) const PACKAGES: [&str; 2] =
    ["packages", "CREATE TABLE `packages` (`id` integer PRIMARY KEY AUTOINCREMENT,`ecosystem` text,`name` text)"];
pub(super) const SYSTEMS: [&str; 2] = [
    "operating_systems",
    "CREATE TABLE `operating_systems` (`id` integer PRIMARY KEY AUTOINCREMENT,`name` text,`release_id` text,`major_version` text,`minor_version` text,`label_version` text,`codename` text,`channel` text,`eol_date` datetime,`eoas_date` datetime)",
];
pub(super) const METADATA: [&str; 2] = [
    "db_metadata",
    "CREATE TABLE `db_metadata` (`build_timestamp` datetime NOT NULL,`model` integer NOT NULL,`revision` integer NOT NULL,`addition` integer NOT NULL)",
];
pub(super) const KEV: [&str; 2] = [
    "known_exploited_vulnerability_handles",
    "CREATE TABLE `known_exploited_vulnerability_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`cve` text NOT NULL,`blob_id` integer)",
];
pub(super) const EPSS: [&str; 2] = [
    "epss_handles",
    "CREATE TABLE `epss_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`cve` text NOT NULL,`epss` real NOT NULL,`percentile` real NOT NULL)",
];
pub(super) const EPSS_METADATA: [&str; 2] =
    ["epss_metadata", "CREATE TABLE `epss_metadata` (`date` datetime NOT NULL)"];

/// With a primary key over their first columns, whose number follows.
pub(super) const PROVIDERS: ([&str; 2], usize) = (
    [
        "providers",
        "CREATE TABLE `providers` (`id` text,`version` text,`processor` text,`date_captured` datetime,`input_digest` text,PRIMARY KEY (`id`))",
    ],
    1,
);
pub(super) const ALIASES: ([&str; 2], usize) = (
    [
        "vulnerability_aliases",
        "CREATE TABLE `vulnerability_aliases` (`name` text,`alias` text NOT NULL,PRIMARY KEY (`name`,`alias`))",
    ],
    2,
);
/// Its key is of columns that are not the first ones, and no two rows are equal: it is written without one.
pub(super) const SYSTEM_NAMES: [&str; 2] = [
    "operating_system_specifier_overrides",
    "CREATE TABLE `operating_system_specifier_overrides` (`alias` text,`version` text,`version_pattern` text,`codename` text,`channel` text,`replacement` text,`replacement_major_version` text,`replacement_minor_version` text,`replacement_label_version` text,`replacement_channel` text,`rolling` numeric,`applicable_client_db_schemas` text)",
];
pub(super) const PACKAGE_NAMES: ([&str; 2], usize) = (
    [
        "package_specifier_overrides",
        "CREATE TABLE `package_specifier_overrides` (`ecosystem` text,`replacement_ecosystem` text,PRIMARY KEY (`ecosystem`,`replacement_ecosystem`))",
    ],
    2,
);
pub(super) const PACKAGE_CPES: ([&str; 2], usize) = (
    [
        "package_cpes",
        "CREATE TABLE `package_cpes` (`cpe_id` integer,`package_id` integer,PRIMARY KEY (`cpe_id`,`package_id`),CONSTRAINT `fk_package_cpes_cpe` FOREIGN KEY (`cpe_id`) REFERENCES `cpes`(`id`),CONSTRAINT `fk_package_cpes_package` FOREIGN KEY (`package_id`) REFERENCES `packages`(`id`))",
    ],
    2,
);

/// What is there and empty: Stella states no CPEs of packages, and what is not affected it does not list.
pub(super) const EMPTY: [[&str; 2]; 6] = [
    ["sqlite_sequence", "CREATE TABLE sqlite_sequence(name,seq)"],
    [
        "unaffected_package_handles",
        "CREATE TABLE `unaffected_package_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,`operating_system_id` integer,`package_id` integer,`blob_id` integer,CONSTRAINT `fk_unaffected_package_handles_vulnerability` FOREIGN KEY (`vulnerability_id`) REFERENCES `vulnerability_handles`(`id`),CONSTRAINT `fk_unaffected_package_handles_operating_system` FOREIGN KEY (`operating_system_id`) REFERENCES `operating_systems`(`id`),CONSTRAINT `fk_unaffected_package_handles_package` FOREIGN KEY (`package_id`) REFERENCES `packages`(`id`))",
    ],
    [
        "cpes",
        "CREATE TABLE `cpes` (`id` integer PRIMARY KEY AUTOINCREMENT,`part` text NOT NULL,`vendor` text,`product` text NOT NULL,`edition` text,`language` text,`software_edition` text,`target_hardware` text,`target_software` text,`other` text)",
    ],
    [
        "affected_cpe_handles",
        "CREATE TABLE `affected_cpe_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,`cpe_id` integer,`blob_id` integer,CONSTRAINT `fk_affected_cpe_handles_vulnerability` FOREIGN KEY (`vulnerability_id`) REFERENCES `vulnerability_handles`(`id`),CONSTRAINT `fk_affected_cpe_handles_cpe` FOREIGN KEY (`cpe_id`) REFERENCES `cpes`(`id`))",
    ],
    [
        "unaffected_cpe_handles",
        "CREATE TABLE `unaffected_cpe_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,`cpe_id` integer,`blob_id` integer,CONSTRAINT `fk_unaffected_cpe_handles_cpe` FOREIGN KEY (`cpe_id`) REFERENCES `cpes`(`id`),CONSTRAINT `fk_unaffected_cpe_handles_vulnerability` FOREIGN KEY (`vulnerability_id`) REFERENCES `vulnerability_handles`(`id`))",
    ],
    [
        "cwe_handles",
        "CREATE TABLE `cwe_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`cve` text NOT NULL,`cwe` text NOT NULL,`source` text,`type` text)",
    ],
];
