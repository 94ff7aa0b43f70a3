<?php
/**
 * @global string $wp_version
 */
$wp_version = '6.3.1';
