# SPDX-License-Identifier: GPL-2.0-only
# bash completion of viaduct(8)
_viaduct()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="list show top workers pin metrics trace"
	local options="--json -d -n --from --root --help --version"
	local word command=''

	[[ " ${COMP_WORDS[*]} " != *" pin "* ]] || options="--rx --tx --all --device"

	case $prev in
	--from)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--root)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	-d | -n | --rx | --tx | --all | --device)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ " $commands " != *" $word "* ]] || command=$word
	done
	if [ -z "$command" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
	elif [[ $command != list && $command != metrics ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(viaduct list 2>/dev/null |
			awk 'NR > 1 { print $2 }')" -- "$cur")
	fi
} &&
	complete -F _viaduct viaduct
