# SPDX-License-Identifier: GPL-2.0-only
# bash completion for viaduct-bench(8)

_viaduct_bench()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	case $prev in
	--parts) mapfile -t COMPREPLY < <(compgen -W 'rates delays guest' -- "$cur") ;;
	--module | --from) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	-o | --output | --guest-kernel) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W '--yes --dry-run --output --parts --pairs --seconds
			--turns --quick --module --guest-kernel --clean --from --help' -- "$cur")
		;;
	esac
}
complete -F _viaduct_bench viaduct-bench
